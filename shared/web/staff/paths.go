package staff

// Paths are the patterns of the desk's pages that can be opened, for whoever has
// to have looked at all of them.
func Paths() (paths []string) {
	for _, rt := range new(Pages).routes() {
		if rt.get != nil {
			paths = append(paths, rt.path)
		}
	}
	return paths
}
