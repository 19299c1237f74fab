"""Encoders that need no download, for tools/gpu_check.py: ours, and others in published sizes with random weights."""
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48)
CONVS = dict(conv_dim=(16,)*7, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2)
WAVES = SMALL | CONVS
CODEC = dict(hidden_size=16, num_filters=4, num_lstm_layers=1, codebook_size=16, kernel_size=5, last_kernel_size=3)
DAC = dict(encoder_hidden_size=4, decoder_hidden_size=16, codebook_size=64, codebook_dim=4)
CHUNKS = dict(audio_channels=2, normalize=True, chunk_length_s=1., overlap=.01, norm_type='time_group_norm',
              use_causal_conv=False)


@dataclass(frozen=True)
class Published:
    "A model of the catalogue: its config, its config in a rehearsal, and what prepares its sound."
    config: str  # class of transformers
    full: dict = field(default_factory=dict)  # arguments of the published size, beyond the class's own
    small: dict = field(default_factory=dict)  # arguments of the rehearsal, instead
    front: str = ''  # class of what prepares a wave; '' = nothing does, as in codecs
    prepared: dict = field(default_factory=dict)  # its arguments
    prepared_small: dict = field(default_factory=dict)  # in a rehearsal, instead


LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
STABLE = dict(do_stable_layer_norm=True, feat_extract_norm='layer')
WAVE = 'Wav2Vec2FeatureExtractor'
MUSIC = dict(sampling_rate=24_000)
WHISPER = dict(d_model=768, encoder_layers=12, decoder_layers=1, encoder_attention_heads=12, encoder_ffn_dim=3072)
WHISPER_SMALL = dict(d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
                     decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_source_positions=100,
                     vocab_size=64, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
CLAP_SMALL = dict(spec_size=64, num_mel_bins=16, patch_embeds_hidden_size=16, depths=[1, 1], num_attention_heads=[2, 2],
                  hidden_size=32, projection_dim=24, patch_size=4, patch_stride=[4, 4], window_size=4)
CLAP_FRONT = dict(feature_size=16, sampling_rate=16_000, hop_length=160, max_length_s=2, frequency_max=8000,
                  truncation='rand_trunc')
AST_SMALL = dict(max_length=128, num_mel_bins=32)
MIMI_SMALL = dict(sampling_rate=3200, hidden_size=16, num_filters=4, upsampling_ratios=[8, 4], codebook_size=16,
                  codebook_dim=8, num_quantizers=4, vector_quantization_hidden_dimension=8, upsample_groups=16,
                  num_hidden_layers=1, intermediate_size=32, num_attention_heads=2, num_key_value_heads=2,
                  sliding_window=20, frame_rate=50.)
XCODEC_SMALL = dict(target_bandwidths=[.2, .4, .8], codebook_size=16, acoustic_model_config=dict(
    model_type='dac', encoder_hidden_size=4, decoder_hidden_size=16, downsampling_ratios=[8, 5, 4, 2], hidden_size=16),
    semantic_model_config=dict(model_type='hubert', hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                               intermediate_size=32, conv_dim=[8]*7, num_conv_pos_embeddings=8,
                               num_conv_pos_embedding_groups=2))
SNAC = dict(attn_window_size=None, vq_strides=[4, 2, 1], noise=True, depthwise=True)

PUBLISHED = {  # by their names in the catalogue; sizes as papers and configs give them, copied here by hand
    'mert-95m': Published('HubertConfig', {}, WAVES, WAVE, MUSIC),
    'mert-330m': Published('HubertConfig', LARGE | STABLE, WAVES | STABLE, WAVE, MUSIC),
    'hubert-base': Published('HubertConfig', {}, WAVES, WAVE),
    'wav2vec2-base': Published('Wav2Vec2Config', {}, WAVES, WAVE),
    'data2vec-base': Published('Data2VecAudioConfig', {}, WAVES | dict(num_conv_pos_embeddings=2), WAVE),
    'wavlm-base-plus': Published('WavLMConfig', {}, WAVES, WAVE),
    'w2v-bert-2': Published('Wav2Vec2BertConfig', {}, SMALL | dict(feature_projection_input_dim=160),
                            'SeamlessM4TFeatureExtractor'),
    'ast': Published('ASTConfig', {}, SMALL | AST_SMALL, 'ASTFeatureExtractor', {}, AST_SMALL),
    'whisper-small': Published('WhisperConfig', WHISPER, WHISPER_SMALL, 'WhisperFeatureExtractor', {},
                               dict(chunk_length=2)),
    'clap': Published('ClapAudioConfig', {}, CLAP_SMALL, 'ClapFeatureExtractor', {}, CLAP_FRONT),
    'muq': Published('musicfm', {}, dict(conv_dim=16, encoder_dim=32, encoder_depth=2)),
    'encodec-24k': Published('EncodecConfig', {}, CODEC | dict(sampling_rate=3200, upsampling_ratios=[4, 4],
                                                               target_bandwidths=[1.6, 3.2])),
    'encodec-32k': Published('EncodecConfig', dict(sampling_rate=32_000, upsampling_ratios=[8, 5, 4, 4],
                             codebook_size=2048, target_bandwidths=[2.2], num_filters=64, use_causal_conv=False),
                             CODEC | dict(sampling_rate=3200, upsampling_ratios=[4, 4], target_bandwidths=[3.2])),
    'encodec-48k': Published('EncodecConfig', CHUNKS | dict(sampling_rate=48_000, target_bandwidths=[3., 6., 12., 24.]),
                             CODEC | CHUNKS | dict(sampling_rate=4800, upsampling_ratios=[8, 4],
                                                   target_bandwidths=[1.2, 2.4])),
    'dac-16k': Published('DacConfig', dict(downsampling_ratios=[2, 4, 5, 8], n_codebooks=12, sampling_rate=16_000),
                         DAC | dict(downsampling_ratios=[2, 4, 5], n_codebooks=3, sampling_rate=3200)),
    'dac-24k': Published('DacConfig', dict(downsampling_ratios=[2, 4, 5, 8], n_codebooks=32, sampling_rate=24_000),
                         DAC | dict(downsampling_ratios=[2, 4, 5], n_codebooks=4, sampling_rate=3200)),
    'dac-44k': Published('DacConfig', dict(downsampling_ratios=[2, 4, 8, 8], n_codebooks=9, sampling_rate=44_100),
                         DAC | dict(downsampling_ratios=[2, 4, 5], n_codebooks=3, sampling_rate=4410)),
    'mimi': Published('MimiConfig', {}, MIMI_SMALL),
    'xcodec': Published('XcodecConfig', {}, XCODEC_SMALL),
    'snac-24k': Published('snac', SNAC | dict(
        sampling_rate=24_000, encoder_dim=48, encoder_rates=[2, 4, 8, 8], decoder_dim=1024, decoder_rates=[8, 8, 4, 2],
        codebook_size=4096, codebook_dim=8), SNAC | dict(
        sampling_rate=3200, encoder_dim=8, encoder_rates=[3, 7], decoder_dim=16, decoder_rates=[7, 3], codebook_size=64,
        codebook_dim=4)),
}
OWN = ('mel', 'mfcc', 'timbre', 'mel+phase', 'chroma', 'cqt', 'jukebox', 'jukebox 1', 'jukebox 0')
NETS = dict.fromkeys(('musicnn msd', 'vgg msd', 'crepe tiny'), dict(random=True))  # without the files of weights


def plain_config(name: str, sizes: dict) -> dict:
    "config.json of what is no class of transformers."
    from mirnb.encoders.musicfm import PLAN
    if name == 'snac': return sizes
    return PLAN | dict(stat=dict(melspec_2048_mean=6.8, melspec_2048_std=18.4)) | sizes


def write_folder(name: str, folder: Path, rehearse: bool) -> None:
    "A folder as its publisher leaves it, without weights."
    import transformers
    model = PUBLISHED[name]
    sizes, prepared = model.full, model.prepared
    if rehearse: sizes, prepared = model.small, model.prepared_small or model.prepared
    if kind := getattr(transformers, model.config, None): kind(**sizes).save_pretrained(folder)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        (folder/'config.json').write_text(json.dumps(plain_config(model.config, sizes)))
    if model.config == 'musicfm': return
    if model.front: getattr(transformers, model.front)(**prepared).save_pretrained(folder)


def makers(folder: Path, rehearse: bool) -> Iterator:
    "(name, function that makes the encoder), the ones that need nothing first."
    from mirnb.encoders.encoder import encoder
    for name in OWN: yield name, lambda name=name: encoder(name)
    for name, settings in NETS.items(): yield name, lambda name=name, settings=settings: encoder(name, **settings)
    for name in PUBLISHED:
        def make(name=name):
            write_folder(name, folder/name, rehearse)
            return encoder(f'hf:{folder/name}', random=1)
        yield name, make


def net_of(made):
    "The module that an encoder computes with; None where there is none."
    if hasattr(made, 'vqvae'): return made.vqvae
    if hasattr(made, 'loaded'): return made.loaded[0]
    if hasattr(made, 'opened'): return made.opened[0]
    return getattr(made, 'model', None)
