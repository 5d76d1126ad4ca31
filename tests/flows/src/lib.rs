//! Flows of all services, in one process and as six.
