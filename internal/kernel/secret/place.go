package secret

import "encoding/binary"

// Place is where a sealed value lies. It is bound into the ciphertext, so that a row moved, swapped or rolled back does not open.
type Place struct {
	Table  string
	Column string
	// Row is the id of the row, or its name where rows have names.
	Row string
	// Version counts the values this column of this row has had.
	Version uint32
}

// AAD is the place as bytes, each part led by its length so that no two places spell alike (AES-GCM additional data).
//
//	┌───────┬───────┬───────┬────────┬───────┬─────┬─────────┐
//	│ 2 len │ table │ 2 len │ column │ 2 len │ row │ 4 vers. │
//	└───────┴───────┴───────┴────────┴───────┴─────┴─────────┘
func (p Place) AAD() []byte {
	return p.AppendAAD(make([]byte, 0, 10+len(p.Table)+len(p.Column)+len(p.Row)))
}

// AppendAAD appends what AAD gives.
func (p Place) AppendAAD(aad []byte) []byte {
	for _, part := range [...]string{p.Table, p.Column, p.Row} {
		aad = binary.BigEndian.AppendUint16(aad, uint16(len(part)))
		aad = append(aad, part...)
	}
	return binary.BigEndian.AppendUint32(aad, p.Version)
}
