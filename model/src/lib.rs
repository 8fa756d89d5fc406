//! The machines of keygroups, explored exhaustively.
