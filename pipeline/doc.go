// Package pipeline will hold pipes and stages that turn one window.Reader into
// another, or into typed items. Nothing is in it yet.
package pipeline
