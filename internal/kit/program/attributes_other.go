//go:build !linux

package program

import "syscall"

// attributes asks for nothing: only Linux ends a program together with the process that started it.
func attributes() *syscall.SysProcAttr { return nil }
