package bitrix24

import "github.com/returnpoint/returnpoint/shared/dental"

// Base is where a valid account's portal is called.
func Base(a dental.Account) string {
	p, _ := open(a, nil)
	return p.Base
}
