package program

import "syscall"

// attributes lets the system end a program whose test process died and could not.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
