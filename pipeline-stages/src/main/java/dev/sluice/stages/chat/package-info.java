/** Chat templates: from the messages of a conversation to the text that a model was trained on. */
@NullMarked
package dev.sluice.stages.chat;

import org.jspecify.annotations.NullMarked;
