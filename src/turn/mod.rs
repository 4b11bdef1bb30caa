//! The assistant's one move: take, draft, proof, gate.
