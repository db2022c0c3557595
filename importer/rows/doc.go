// Package rows goes over the rows of an import, and answers what a row became.
//
// [Files] are what rows are read from: the export, and the repaired files whose rows
// stand in for some of the export's. A [Reading] is one way to read them: under one
// mapping, and in the form that was current when a pass read them. A [Sweep] reads
// them in order, maps them on all processors and shows each [Batch] to a [Visit].
// [Batch.Result] then is the one answer to "what did row n become under this
// reading, repaired or not": a row is mapped once for all readings that share a
// mapping and a form of the row, and not at all where no reading of it is wanted.
package rows
