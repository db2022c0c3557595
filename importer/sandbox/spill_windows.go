package sandbox

// removedWithLastHandle is FILE_FLAG_DELETE_ON_CLOSE.
const removedWithLastHandle = 0x04000000
