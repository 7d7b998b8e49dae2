package api

import "context"

func (a *api) settingRoutes() {
	route(a, admins, a.listSettings, op("Overview", "settings", "GET /settings", "See how this node is configured",
		says("Every setting of the node that replies, with where its value came from. Secrets are three stars where they are set, "+
			"and empty where not.")))
}

// Setting is one setting of a node.
type Setting struct {
	Key    string `json:"key" example:"limits.max_calls"`
	Value  string `json:"value" doc:"As the environment would have it; a secret is three stars"`
	Secret bool   `json:"secret"`
	Source string `json:"source" enum:"default,file,environment,command line"`
	Origin string `json:"origin" doc:"File and line, variable or flag; empty: the default" example:"ringmaster.yaml:12"`
}

type settingList struct {
	Items []Setting `json:"items" nullable:"false"`
}

func (a *api) listSettings(context.Context, *struct{}) (*reply[settingList], error) {
	list := settingList{Items: []Setting{}}
	if a.Settings != nil {
		list.Items = append(list.Items, a.Settings()...)
	}
	return answer(list), nil
}
