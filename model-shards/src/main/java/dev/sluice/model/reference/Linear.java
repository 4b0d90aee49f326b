package dev.sluice.model.reference;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A linear map.
 *
 * @param weights {@code [outputs x inputs]}
 * @param bias {@code [1 x outputs]}, or none
 */
record Linear(INDArray weights, @Nullable INDArray bias) {}
