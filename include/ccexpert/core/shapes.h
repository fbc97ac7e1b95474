/// Letters in the shape comments of the whole project.
///
///   B  image pairs in a batch (2B images, interleaved before0, after0, before1, after1, ...)
///   S  scales: the vision transformer blocks whose outputs the Diff Expert reads
///   N  patches (image tokens) of one image
///   G  side of the square patch grid, N = G * G
///   D  vision width (hidden size of the vision transformer and the Diff Expert)
///   T  tokens of a sequence, image tokens included
///   H  language width (hidden size of the decoder)
///   V  vocabulary rows of the decoder
///   M  attention heads; K key/value heads; d width of one head
///
/// [B,N,D] is a tensor, outermost dimension first; a scale axis precedes the batch axis: [S,B,N,D].
#pragma once
