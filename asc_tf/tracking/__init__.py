"""Records of a training in the trackers that teams share: MLflow and Weights & Biases. Needs no TensorFlow.

Both packages have callbacks, but for Keras 3, and the models here are of Keras 2 (tf_keras), whose `fit` refuses them:
"'MlflowCallback' object has no attribute '_implements_train_batch_hooks'" (mlflow 3.17), the same of
`WandbMetricsLogger` (wandb 0.28 and 0.31). So `asc_tf.stages.tracking` calls the packages' public logging functions.
"""
