"""Tiny random networks with the same tokens."""

import torch
import transformers

KINDS = {
    "llama": (transformers.LlamaForCausalLM, transformers.LlamaConfig),
    "qwen2": (transformers.Qwen2ForCausalLM, transformers.Qwen2Config),
}


def tiny(kind="llama", *, seed=0, depth=4, width=32, vocabulary=300, **settings):
    """A random network in float32 whose replies vary."""
    made, config = KINDS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = made(
            config(
                vocab_size=vocabulary,
                hidden_size=width,
                intermediate_size=2 * width,
                num_hidden_layers=depth,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=256,
                initializer_range=0.3,
                tie_word_embeddings=False,
                **settings,
            )
        )
    network.generation_config = transformers.GenerationConfig()  # as a loaded one has
    return network.eval().requires_grad_(False)


def nudged(network, size, seed=1):
    """A copy whose weights are a little different."""
    other = type(network)(network.config).eval().requires_grad_(False)
    other.generation_config = transformers.GenerationConfig()
    other.load_state_dict(network.state_dict())
    rng = torch.Generator().manual_seed(seed)
    for each in other.parameters():
        each.add_(size * each.std().nan_to_num() * torch.randn(each.shape, generator=rng))
    return other


def saved(network, folder, tokenizer):
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
