// Package model is what a model is to Kakoi: connections to providers, the
// catalogue of models that people may use, and the Invoker, the one path that
// every call to a model takes.
package model
