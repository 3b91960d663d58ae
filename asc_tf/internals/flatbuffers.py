"""Names of flatbuffers that are not public."""

import flatbuffers

TESTED = "flatbuffers 25.12.19"


class RevocableBuilder(flatbuffers.Builder):
    """A builder that can undo its last writes; the public one only adds.

    It fills its buffer from the end: `Offset()` counts the written bytes.
    """

    def take_back(self, offset):
        """Forget everything written since `Offset()` was `offset`."""
        self.head = len(self.Bytes) - offset

    def take_back_object(self, offset):
        """End the started object without content, and forget everything written since `offset`."""
        self.assertNested()
        self.nested, self.current_vtable = False, None
        self.take_back(offset)

    def written(self):
        """The buffer and the index where the most recently written bytes begin: (buffer, index)."""
        return self.Bytes, self.Head()
