//! What we remember of one customer.
