package dev.sluice.actors;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Shards of a model file, and its vocabulary, which is read when it is first asked for. */
final class FileShards implements ShardFactory {
  private final GgufFile file;
  private final Function<ShardOptions, ModelShard> loader;
  private @Nullable TokenVocabulary vocabulary;

  FileShards(GgufFile file, Function<ShardOptions, ModelShard> loader) {
    this.file = file;
    this.loader = loader;
  }

  @Override
  public ModelShard load(ShardOptions options) {
    return loader.apply(options);
  }

  @Override
  public synchronized TokenVocabulary vocabulary() {
    TokenVocabulary known = vocabulary;
    if (known == null) {
      known = TokenVocabulary.of(Tokenizer.of(file.metadata()));
      vocabulary = known;
    }
    return known;
  }
}
