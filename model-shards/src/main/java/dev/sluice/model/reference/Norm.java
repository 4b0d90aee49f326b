package dev.sluice.model.reference;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The parameters of a norm.
 *
 * @param weight {@code [1 x length]}
 * @param bias {@code [1 x length]}, or none
 */
record Norm(INDArray weight, @Nullable INDArray bias) {}
