package password

import (
	_ "embed"
	"strings"
)

// commonList holds 49,233 passwords that everybody tries first, one a line in byte order, folded to small letters: the list of npm
// @zxcvbn-ts/language-common 4.1.3 (MIT, blocklist/LICENSE). blocklist/extract.mjs makes the file.
//
//go:embed blocklist/common.txt
var commonList string

// common says whether the folded password is on the list. It searches the text itself: no map of the list is ever built.
func common(folded string) bool {
	if strings.Contains(folded, "\n") {
		return false // a line break separates entries and is part of none
	}
	// All lines that start before low are smaller than folded, and all that start at high or after are greater.
	low, high := 0, len(commonList)
	for low < high {
		start := strings.LastIndexByte(commonList[:(low+high)/2], '\n') + 1
		end := start + strings.IndexByte(commonList[start:], '\n')
		switch strings.Compare(commonList[start:end], folded) {
		case 0:
			return true
		case -1:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}
