package consequence

import (
	"maps"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
)

// Table is the table.
func Table() map[happening.Kind]Row { return maps.Clone(table) }
