"""What is not public of flatbuffers."""

import flatbuffers

TESTED = "flatbuffers 25.12.19"


class RevocableBuilder(flatbuffers.Builder):
    """A builder that can take back what it has just written; the public one only adds.

    It fills its buffer from the end: `Offset()` counts the bytes that are written.
    """

    def take_back(self, offset):
        """Forget everything that was written since `Offset()` was `offset`."""
        self.head = len(self.Bytes) - offset

    def take_back_object(self, offset):
        """End the object that was started with nothing in it, and forget what was written since `offset`."""
        self.assertNested()
        self.nested, self.current_vtable = False, None
        self.take_back(offset)

    def written(self):
        """The last bytes that were written, first, and where they begin in the buffer: (buffer, index)."""
        return self.Bytes, self.Head()
