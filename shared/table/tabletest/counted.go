package tabletest

import (
	"context"
	"sync/atomic"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Counted is a table that counts what it is asked, a call at a time, refused or not.
type Counted struct {
	table.Table
	Reads, Writes atomic.Int64
}

// Get counts as a read.
func (c *Counted) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	c.Reads.Add(1)
	return c.Table.Get(ctx, keys...)
}

// Query counts as a read.
func (c *Counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.Reads.Add(1)
	return c.Table.Query(ctx, q)
}

// Write counts as a write, of however many operations.
func (c *Counted) Write(ctx context.Context, ops ...table.Op) error {
	c.Writes.Add(1)
	return c.Table.Write(ctx, ops...)
}
