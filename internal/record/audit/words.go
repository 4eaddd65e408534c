package audit

// Words are what an action is called for readers. {name} is replaced by the fact of that name.
type Words struct {
	// Quiet actions leave no event and have no words.
	Quiet           bool
	English, Korean string
}

// Describe finds the words of an action; the second answer is false for an action that spec/actions.tsv does not know.
func Describe(a Action) (Words, bool) {
	w, ok := actions[a]
	return w, ok
}
