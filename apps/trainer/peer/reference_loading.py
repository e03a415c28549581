"""Loading as the reference code does it, timed for `kdc-mae bench-data`: ffmpeg to WAV and to a frame, torchaudio's
Kaldi fbank, Pillow for the picture, in processes of one thread each.

Answers one JSON line for each on standard input:
  {"task": "load", "files": [...]}       sound and picture from the media file every time
  {"task": "extract", "files": [...]}    WAV and JPEG written beforehand, as the reference's own preparation does
  {"task": "extracted", "files": [...]}  sound and picture from what `extract` wrote
  {"task": "fbank", "times": n}          log-mel of 10 s, the median of n on one thread
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import wave

import numpy
import torch
import torchaudio
from PIL import Image

MEAN, STD = -5.081, 4.4849
IMAGE_MEAN = torch.tensor([0.4850, 0.4560, 0.4060]).view(3, 1, 1)
IMAGE_STD = torch.tensor([0.2290, 0.2240, 0.2250]).view(3, 1, 1)
FRAMES, SIDE = 1024, 224


def fbank(waveform):
    return torchaudio.compliance.kaldi.fbank(
        waveform - waveform.mean(), htk_compat=True, sample_frequency=16000, use_energy=False,
        window_type="hanning", num_mel_bins=128, dither=0.0, frame_shift=10,
    )


def sound(path):
    with wave.open(path) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype=numpy.int16)
    mel = fbank(torch.from_numpy(samples.astype(numpy.float32) / 32768).unsqueeze(0))
    missing = FRAMES - mel.shape[0]
    mel = torch.nn.functional.pad(mel, (0, 0, 0, missing)) if missing > 0 else mel[:FRAMES]
    return (mel - MEAN) / STD


def picture(path):
    image = Image.open(path).convert("RGB")
    scale = SIDE / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC)
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    square = numpy.asarray(image.crop((left, top, left + SIDE, top + SIDE)), dtype=numpy.float32) / 255
    return (torch.from_numpy(square).permute(2, 0, 1) - IMAGE_MEAN) / IMAGE_STD


def extract(ffmpeg, path, base):
    quiet = [ffmpeg, "-nostdin", "-v", "error", "-y"]
    subprocess.run(quiet + ["-i", path, "-vn", "-ac", "1", "-ar", "16000", "-t", "10", base + ".wav"], check=True)
    subprocess.run(quiet + ["-ss", "5", "-i", path, "-frames:v", "1", "-q:v", "2", base + ".jpg"], check=True)


def load(job):
    ffmpeg, path, base = job
    extract(ffmpeg, path, base)
    sample = sound(base + ".wav"), picture(base + ".jpg")
    os.remove(base + ".wav")
    os.remove(base + ".jpg")
    return tuple(part.shape for part in sample)


def load_extracted(job):
    _, _, base = job
    return tuple(part.shape for part in (sound(base + ".wav"), picture(base + ".jpg")))


def write_extracted(job):
    extract(*job)


def answer(task, request, pool, ffmpeg, folder):
    if task == "fbank":
        waveform = torch.rand(1, 160000) * 2 - 1
        times = []
        for _ in range(request["times"]):
            start = time.perf_counter()
            fbank(waveform)
            times.append(time.perf_counter() - start)
        return {"seconds": sorted(times)[len(times) // 2]}
    work = {"load": load, "extract": write_extracted, "extracted": load_extracted}[task]
    jobs = [(ffmpeg, path, os.path.join(folder, f"{task == 'load'}-{index}")) for index, path in enumerate(request["files"])]
    start = time.perf_counter()
    pool.map(work, jobs, chunksize=1)
    return {"seconds": time.perf_counter() - start}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ffmpeg", required=True)
    parser.add_argument("--processes", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(options.processes) as pool:
        print(json.dumps({"torchaudio": torchaudio.__version__, "torch": torch.__version__}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            print(json.dumps(answer(request["task"], request, pool, options.ffmpeg, folder)), flush=True)


if __name__ == "__main__":
    main()
