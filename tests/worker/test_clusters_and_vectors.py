"""Clustering and sentence vectors through the client; what model folders are refused."""

import pickle
import random
import shutil
from pathlib import Path

import pytest
from sklearn.metrics import adjusted_rand_score

from pada_local.student.client import JobFailed, StudentClient
from pada_local.worker.embed import checked_minilm, minilm_folder
from pada_local.worker.folders import check_folder
from pada_local.worker.problems import JobError
from tests.worker.tiny import generate_job


def blob(centre: tuple[float, float], seed: int, size: int = 20) -> list[list[float]]:
    rng = random.Random(seed)
    return [[rng.gauss(centre[0], 0.1), rng.gauss(centre[1], 0.1)] for _ in range(size)]


@pytest.mark.parametrize("seed", range(3))
def test_three_blobs(client: StudentClient, seed: int) -> None:
    vectors = blob((0, 0), seed) + blob((10, 0), seed + 100) + blob((0, 10), seed + 200)
    found = client.cluster(vectors, k_max=6, seed=seed, n_init=10)
    assert adjusted_rand_score([0] * 20 + [1] * 20 + [2] * 20, found.labels[2]) == 1.0
    assert max(range(6), key=found.silhouette.__getitem__) == 2 and found.silhouette[2] > 0.9
    assert all(later <= earlier + 1e-9 for earlier, later in zip(found.inertia, found.inertia[1:], strict=False))
    assert found.inertia[2] < 0.01 * found.inertia[1] and found.silhouette[0] == 0.0
    assert sum(d * d for d in found.distances[2]) == pytest.approx(found.inertia[2])


def test_one_blob_has_no_gap(client: StudentClient) -> None:
    found = client.cluster(blob((1, 1), 4), k_max=4, seed=0, n_init=10)
    assert len(found.labels) == 4 and max(found.silhouette) < 0.6


@pytest.mark.parametrize("method", ["linkage", "kmeans"])
def test_the_highest_silhouette_finds_blobs_of_unlike_size(client: StudentClient, method: str) -> None:
    vectors = blob((0, 0), 1, 30) + blob((5, 0), 2, 4) + blob((0, 5), 3, 9)
    found = client.cluster(vectors, k_max=7, seed=0, n_init=10, method=method)
    assert max(range(7), key=found.silhouette.__getitem__) == 2
    assert adjusted_rand_score([0] * 30 + [1] * 4 + [2] * 9, found.labels[2]) == 1.0


def test_density_finds_the_number_itself_and_leaves_nobody_out(client: StudentClient) -> None:
    stray = [[4.0, 1.0]]
    found = client.cluster(blob((0, 0), 1) + blob((10, 0), 2) + blob((0, 10), 3) + stray, 5, 0, 10, method="density")
    [labels] = found.labels
    assert min(labels) == 0 and adjusted_rand_score([0] * 20 + [1] * 20 + [2] * 20, labels[:60]) == 1.0
    assert labels[60] == labels[0] and len(found.distances[0]) == 61
    assert client.cluster([[0.0]] * 9, 5, 0, 10, method="density").labels == [[0] * 9]


def test_identical_points_are_one_cluster(client: StudentClient) -> None:
    found = client.cluster([[0.5, 0.25]] * 12, k_max=5, seed=0, n_init=10)
    assert found.labels == [[0] * 12] and found.inertia == [0.0] and found.silhouette == [0.0]


def test_no_more_clusters_than_distinct_points(client: StudentClient) -> None:
    found = client.cluster([[0.0], [0.0], [1.0], [1.0], [1.0]], k_max=9, seed=0, n_init=10)
    assert len(found.labels) == 2 and len(set(found.labels[1])) == 2
    assert client.cluster([[0.0], [1.0]], k_max=2, seed=0, n_init=10).silhouette == [0.0, 0.0]


@pytest.mark.parametrize("vectors", [[], [[]], [[1.0], [1.0, 2.0]]])
def test_unusable_vectors_are_refused(client: StudentClient, vectors: list[list[float]]) -> None:
    with pytest.raises(JobFailed, match="cannot be clustered"):
        client.cluster(vectors, k_max=2, seed=0, n_init=1)


def test_minilm_embeds(client: StudentClient) -> None:
    texts = ["The patient denies fever.", "No fever is reported.", "The stock market fell sharply."]
    rows = client.embed("minilm", texts)
    assert [len(row) for row in rows] == [384] * 3
    assert all(sum(value * value for value in row) == pytest.approx(1.0, abs=1e-5) for row in rows)
    likeness = [sum(a * b for a, b in zip(rows[0], row, strict=True)) for row in rows]
    assert likeness[1] > likeness[2] + 0.2
    assert client.embed("minilm", []) == []


def test_minilm_with_other_weights_is_refused(tmp_path: Path) -> None:
    assert checked_minilm(minilm_folder())
    shutil.copytree(minilm_folder(), tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(JobError, match="not the published ones"):
        checked_minilm(tmp_path / "model")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "optimizer.pt", "sub/data.pkl", "modeling_evil.py"])
def test_a_pickle_in_the_folder_is_refused(client: StudentClient, student: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "evil"
    shutil.copytree(student, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(JobFailed, match="can run code") as caught:
        list(client.generate(generate_job(folder, "", ["hello"])))
    assert caught.value.kind == "model"


def test_a_pickle_named_safetensors_is_refused(student: Path, tmp_path: Path) -> None:
    shutil.copytree(student, tmp_path / "evil")
    (tmp_path / "evil" / "model.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(JobError, match="not a safetensors file"):
        check_folder(str(tmp_path / "evil"))


@pytest.mark.parametrize(
    "setting", ['"auto_map": {"AutoModel": "x.Y"}', '"_attn_implementation_internal": "a/b"', '"attn_implementation": "a/b"']
)
def test_settings_that_load_code_are_refused(student: Path, tmp_path: Path, setting: str) -> None:
    shutil.copytree(student, tmp_path / "evil")
    config = tmp_path / "evil" / "config.json"
    config.write_text(config.read_text().replace("{", "{" + setting + ",", 1))
    with pytest.raises(JobError, match="is refused"):
        check_folder(str(tmp_path / "evil"))


def test_describe(client: StudentClient, student: Path) -> None:
    facts = client.describe(str(student))
    assert facts["model_type"] == "llama" and facts["chat"] == "chatml" and int(facts["parameters"]) > 50_000
    with pytest.raises(JobFailed, match="no model folder"):
        client.describe("/nowhere")
