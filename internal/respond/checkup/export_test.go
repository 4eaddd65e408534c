package checkup

// GapTable is the table of gaps, as documentation tells it.
func GapTable() (list []Gap) {
	for _, g := range gaps {
		list = append(list, g.Gap)
	}
	return list
}
