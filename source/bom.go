package source

// BOM is the byte order mark that some editors put in front of a text in UTF-8.
const BOM = "\ufeff"
