// Package remote decides by asking a running PDP over gRPC: what can be told of
// arguments that are open comes from its query planner, and what that calls certain
// from checks. [PDP] is a Decider, and offers nothing else of what package pdp's
// contract names. It links the SDK and the messages of Cerbos, and nothing of the engine.
package remote
