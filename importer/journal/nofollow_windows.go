package journal

// ownOnly is nothing: links need a privilege there, and pipes have other names.
const ownOnly = 0
