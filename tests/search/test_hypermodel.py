import keras_tuner
import numpy as np
import pytest
import tf_keras as keras

from asc_tf.search.hypermodel import HyperBCRes2Net, HyperBCResNetASC
from asc_tf.search.tf_keras_tuner import BayesianOptimization, Hyperband, RandomSearch

pytestmark = pytest.mark.usefixtures("eager")
SHAPE, CLASSES = (32, 16, 1), 3


@pytest.fixture(scope="module")
def clips():
    chance = np.random.default_rng(0)
    return chance.normal(size=(8, *SHAPE)).astype(np.float32), np.eye(CLASSES, dtype=np.float32)[[0, 1, 2, 0] * 2]


def test_values_reach_the_network_and_the_optimizer():
    hypermodel = HyperBCResNetASC(SHAPE, CLASSES, "lambda,width=4:8,learning_rate", 2.0, 3.0, depth=(1, 1, 1, 1))
    hp = keras_tuner.HyperParameters()
    hp.values = {"lambda": 0.7, "width": 6, "learning_rate": 0.01}
    model = hypermodel.build(hp)
    assert model.get_layer("stem").filters == 12 and model.output_shape == (None, CLASSES)
    assert model.get_layer("input_resnorm").get_config()["lambda_"] == 0.7
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert [item.name for item in hp.space] == ["lambda", "width", "learning_rate"]


def test_bc_res2net_is_one_too():
    hp = keras_tuner.HyperParameters()
    model = HyperBCRes2Net(SHAPE, CLASSES, "scale,width=8:16", sub_bands=2).build(hp)
    assert model.name == "bc_res2net" and model.get_layer("stem").filters == 16


@pytest.mark.slow
@pytest.mark.parametrize("tuner", [RandomSearch, BayesianOptimization, Hyperband])
def test_tuners_train_tf_keras_networks(tuner, clips, tmp_path):
    hypermodel = HyperBCResNetASC(SHAPE, CLASSES, "lambda,width=4:6", depth=(1, 1, 1, 1), sub_bands=1)
    more = {"max_epochs": 2, "factor": 2} if tuner is Hyperband else {"max_trials": 2}
    search = tuner(hypermodel, objective="val_accuracy", seed=1, directory=tmp_path, project_name="search", **more)
    search.search(*clips, validation_data=clips, epochs=2, verbose=0)
    best = search.oracle.get_best_trials(1)[0]
    assert best.status == "COMPLETED"
    (model,) = search.get_best_models(1)
    assert isinstance(model, keras.Model)
    assert model.evaluate(*clips, verbose=0)[1] == pytest.approx(best.score)
