package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/creditorro/ringmaster/agents/access"
)

// TestTheLastAdminStays: whatever would leave nobody who administrates is refused, also when two take each other's right
// at once.
func TestTheLastAdminStays(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		var admins []access.User
		for i := range 2 {
			u, err := s.Users.CreateUser(ctx, access.User{Login: fmt.Sprint("admin", i), Role: access.RoleAdmin, PasswordHash: "x"})
			s.must(err)
			admins = append(admins, u)
		}
		var both sync.WaitGroup
		errs := make([]error, 2)
		for i := range 2 {
			both.Go(func() {
				_, errs[i] = s.Users.SetUserRole(ctx, admins[1-i].ID, access.RoleSupervisor, 0, admins[i].Login, s.now)
			})
		}
		both.Wait()
		if refused := errors.Is(errs[0], access.ErrLastAdmin); refused == errors.Is(errs[1], access.ErrLastAdmin) {
			t.Fatalf("took each other's right: %v, %v", errs[0], errs[1])
		}
		left := admins[0]
		if errs[1] == nil { // the second took the first's
			left = admins[1]
		}
		_, err := s.Users.SetUserDisabled(ctx, left.ID, true, "boss", s.now)
		s.wantIs(err, access.ErrLastAdmin)
		s.wantIs(s.Users.DeleteUser(ctx, left.ID, "boss", s.now), access.ErrLastAdmin)
		u, err := s.Users.User(ctx, left.ID)
		s.must(err)
		if u.Role != access.RoleAdmin || u.Disabled || u.Generation != left.Generation {
			t.Errorf("left %+v", u)
		}
		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		if len(log) != 1 || log[0].What != "user.role" || log[0].Detail != fmt.Sprintf("%s, role admin → supervisor",
			admins[0].Login) && log[0].Detail != fmt.Sprintf("%s, role admin → supervisor", admins[1].Login) {
			t.Errorf("in the log: %+v", log)
		}
	})
}
