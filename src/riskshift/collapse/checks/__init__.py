"""What is wrong with rows before they are counted, all of it told in one message."""
