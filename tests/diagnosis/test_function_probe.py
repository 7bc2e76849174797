"""Functions of which nothing is seen but what they give, such as those of scikit-learn."""

import random

import aehelpers as ae
import numpy as np
import pytest
from keras import layers
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 10)) + 0.3 * RNG.normal(size=(300, 10))).astype(np.float32)


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(StandardScaler(), PCA(3)).fit(X[:200])


def through(pipeline):
    return lambda x: pipeline.inverse_transform(pipeline.transform(x))


class TestFunctions:
    def test_pca_is_on_the_ladder_and_what_is_missing_is_told(self, pipeline):
        diagnosis = ae.diagnose(through(pipeline), X[:200], X[200:])
        assert diagnosis.findings == []
        assert diagnosis.facts["error"] == pytest.approx(
            ae.mse(X[200:], through(pipeline)(X[200:]).astype(np.float32)), rel=1e-4
        )
        inside, code = diagnosis.unmeasured
        assert "gradients, dead units and the training mode" in inside and "torch.nn.Module itself" in inside
        assert "hand over encode=" in code and diagnosis.facts["code_size"] is None
        assert "with_gradient" not in diagnosis.facts and "random_in_training" not in diagnosis.facts

    def test_with_encode_there_is_a_code(self, pipeline):
        diagnosis = ae.diagnose(through(pipeline), X[:200], X[200:], encode=pipeline.transform)
        facts = diagnosis.facts
        assert (facts["code_size"], facts["code_layer"], len(diagnosis.unmeasured)) == (3, "encode", 1)
        pca = PCA(3).fit(X[:200])
        assert facts["pca_error"] == pytest.approx(ae.mse(X[200:], pca.inverse_transform(pca.transform(X[200:]))), rel=1e-3)
        assert "PCA-3" in diagnosis.ladder.index
        assert facts["unit_spread"] == pytest.approx(pipeline.transform(X[200:]).std(axis=0), rel=1e-4)

    def test_a_network_of_scikit_learn(self):
        model = MLPRegressor(hidden_layer_sizes=(8, 3, 8), max_iter=5, random_state=0)
        with pytest.warns(Warning, match="Maximum iterations"):
            model.fit(X[:200], X[:200])
        diagnosis = ae.diagnose(model.predict, X[:200], X[200:])
        assert diagnosis.facts["error"] == pytest.approx(ae.mse(X[200:], model.predict(X[200:])), rel=1e-4)
        assert diagnosis.findings != [] and diagnosis.facts["framework"] == "function"

    @pytest.mark.parametrize("form", [tuple, list, lambda parts: dict(zip("ab", parts, strict=True))])
    def test_several_outputs(self, form):
        facts = ae.diagnose(lambda x: form((x[:, :2], 0.5 * x)), X).facts
        assert facts["error"] == pytest.approx(np.square(0.5 * X).mean(), rel=1e-4)

    @pytest.mark.parametrize(
        ("function", "words"),
        [(lambda x: x[:, :4], "it gives (4,) for one row, where (10,) should come back"), (np.mean, "a row for each of 300")],
    )
    def test_what_gives_something_else_cannot_run(self, function, words):
        diagnosis = ae.diagnose(function, X)
        (finding,) = diagnosis.findings
        assert not [text for text in diagnosis.unmeasured if "failed" in text]
        assert finding.code == "cannot_run" and words in finding.sentence and "the function takes" in finding.remedy

    def test_random_states_are_afterwards_as_they_were(self):
        before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
        ae.diagnose(lambda x: x + np.random.normal(size=x.shape) * random.random(), X)  # noqa: NPY002
        assert np.array_equal(np.random.get_state()[1], before[0]) and random.getstate() == before[1]  # noqa: NPY002

    def test_what_has_no_row_for_each_is_no_reconstruction(self):
        facts = ae.diagnose(lambda x: (0.3, np.zeros(len(x)), np.zeros((3, 10)), 0.5 * x), X).facts
        assert facts["error"] == pytest.approx(np.square(0.5 * X).mean(), rel=1e-4)

    def test_codes_without_a_row_for_each(self):
        diagnosis = ae.diagnose(lambda x: x, X, encode=lambda x: x[:5])
        assert any("encode must give an array with a row for each of 300 rows" in text for text in diagnosis.unmeasured)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MLPRegressor(), "hand over its method predict$"),
        (PCA(2), r"lambda x: p.inverse_transform\(p.transform\(x\)\), and encode=p.transform$"),
        (KMeans(), "hand over its method predict$"),  # its transform has no way back
        ("model.keras", r"keras\.models\.load_model\('model\.keras'\)$"),
        (layers.Dense(4), r"but it is <Dense name=.*>$"),
        (MLPRegressor, r"make one of it first, MLPRegressor\(\.\.\.\)$"),
        (None, "but it is None$"),
    ],
)
def test_what_is_no_function_is_refused_with_what_to_hand_over(model, words):
    with pytest.raises(TypeError, match=f"^model must be a keras.Model, .*{words}"):
        ae.diagnose(model, X)
