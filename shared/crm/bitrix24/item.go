package bitrix24

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func contains(items []item, it item) bool {
	return slices.ContainsFunc(items, func(x item) bool { return x.kind == it.kind && x.id == it.id })
}

// find lists everything that was ever told of the task, to-dos before tasks and
// the oldest of each first. A portal answers with 50 at most, which is more than
// one task is opened.
func (p *caller) find(ctx context.Context, m mark) ([]item, error) {
	todos, err := p.todos(ctx, object{"PROVIDER_ID": "CRM_TODO", "%SUBJECT": m.prefix()})
	if err != nil {
		return nil, err
	}
	tasks, err := p.tasks(ctx, object{"%TITLE": m.prefix()})
	if err != nil {
		return nil, err
	}
	var found []item
	for _, row := range append(todos, tasks...) {
		// The portal's search is looser than the mark is.
		if its, ok := markIn(row.title, m.task); ok {
			row.item.mark = its
			found = append(found, row.item)
		}
	}
	return found, nil
}

// look reads one item by its number: it, or nothing if it was deleted there.
func (p *caller) look(ctx context.Context, it item) ([]item, error) {
	list := p.todos
	if it.kind == task {
		list = p.tasks
	}
	rows, err := list(ctx, object{"ID": it.id})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.item.id == it.id {
			it.done = row.item.done
			return []item{it}, nil
		}
	}
	return nil, nil
}

// row is an item with the title it has now.
type row struct {
	item  item
	title string
}

// todos lists activities by a filter, in which "%" before a field's name means
// "contains": https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/activity-base/crm-activity-list.html
func (p *caller) todos(ctx context.Context, filter object) ([]row, error) {
	var list []struct {
		ID        number `json:"ID"`
		Subject   string `json:"SUBJECT"`
		Completed string `json:"COMPLETED"`
	}
	err := p.call(ctx, "crm.activity.list", object{"filter": filter, "select": []string{"ID", "SUBJECT", "COMPLETED"}, "order": object{"ID": "ASC"}}, &list)
	var rows []row
	for _, a := range list {
		rows = append(rows, row{item{kind: todo, id: a.ID, done: a.Completed == "Y"}, a.Subject})
	}
	return inOrder(rows), err
}

// The statuses that a task's completion leads to: awaiting control where the
// portal asks for it, else completed; 7 is the declined of old tasks.
// https://apidocs.bitrix24.com/api-reference/tasks/fields.html
const (
	awaitsControl = 4
	completed     = 5
	declined      = 7
)

// tasks lists tasks by a filter: https://apidocs.bitrix24.com/api-reference/tasks/tasks-task-list.html
func (p *caller) tasks(ctx context.Context, filter object) ([]row, error) {
	var list struct {
		Tasks []struct {
			ID     number `json:"id"`
			Title  string `json:"title"`
			Status number `json:"status"`
		} `json:"tasks"`
	}
	err := p.call(ctx, "tasks.task.list", object{"filter": filter, "select": []string{"ID", "TITLE", "STATUS"}, "order": object{"ID": "asc"}}, &list)
	var rows []row
	for _, t := range list.Tasks {
		done := t.Status == awaitsControl || t.Status == completed || t.Status == declined
		rows = append(rows, row{item{kind: task, id: t.ID, done: done}, t.Title})
	}
	return inOrder(rows), err
}

func inOrder(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.item.id, b.item.id) })
	return rows
}

// close ends an item. A refusal is no failure when the item turns out to be
// done already or gone: the portal refuses to complete such a task.
//
// The methods of crm.activity.todo change an open to-do and cannot end one; the
// documents end an activity by crm.activity.update with COMPLETED:
// https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/app-embedding/activity-app.html
// https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/activity-base/crm-activity-update.html
// https://apidocs.bitrix24.com/api-reference/tasks/tasks-task-complete.html
func (p *caller) close(ctx context.Context, it item) error {
	var err error
	switch it.kind {
	case todo:
		var changed bool
		err = p.call(ctx, "crm.activity.update", object{"id": it.id, "fields": object{"COMPLETED": "Y"}}, &changed)
		if err == nil && !changed {
			err = unavailable("Bitrix24 did not close the to-do", nil)
		}
	case task:
		err = p.call(ctx, "tasks.task.complete", object{"taskId": it.id}, nil)
	}
	if err == nil || dental.KindOf(err) != dental.Invalid {
		return err
	}
	now, lookErr := p.look(ctx, it)
	if lookErr == nil && (len(now) == 0 || now[0].done) {
		return nil
	}
	return err
}

// moment is how the portal writes a time: https://apidocs.bitrix24.com/api-reference/data-types.html
const moment = "2006-01-02T15:04:05-07:00"

// create makes the item of the task's opening.
//
// https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/todo/crm-activity-todo-add.html
// https://apidocs.bitrix24.com/api-reference/tasks/tasks-task-add.html
func (p *caller) create(ctx context.Context, m mark, t dental.Task, who dental.Patient, title string) (item, error) {
	due := t.Due
	if due.IsZero() { // a to-do cannot be without
		due = t.OpenedAt.Add(24 * time.Hour)
	}
	deadline, about := due.UTC().Format(moment), describe(t, who)
	contact, err := p.contact(ctx, who)
	if err != nil {
		return item{}, err
	}
	if contact == 0 {
		var made struct {
			Task struct {
				ID number `json:"id"`
			} `json:"task"`
		}
		err = p.call(ctx, "tasks.task.add", object{"fields": object{
			"TITLE": titleOf(m, title), "DESCRIPTION": about, "DEADLINE": deadline, "RESPONSIBLE_ID": p.portal.responsible}}, &made)
		return p.made(item{kind: task, id: made.Task.ID, mark: m}, err)
	}
	var made struct {
		ID number `json:"id"`
	}
	err = p.call(ctx, "crm.activity.todo.add", object{
		"ownerTypeId": contactType, "ownerId": contact, "title": titleOf(m, title), "description": about,
		"deadline": deadline, "responsibleId": p.portal.responsible}, &made)
	if said := (*refusal)(nil); errors.As(err, &said) && (said.code == "NOT_FOUND" || said.code == "OWNER_NOT_FOUND") {
		err = unavailable("the contact was deleted in Bitrix24 just now", err)
	}
	return p.made(item{kind: todo, id: made.ID, mark: m}, err)
}

func (p *caller) made(it item, err error) (item, error) {
	if err == nil && it.id <= 0 {
		err = unavailable("Bitrix24 gave the new task no number", nil)
	}
	return it, err
}
