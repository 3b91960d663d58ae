#!/bin/bash
# Training on several machines under SLURM: sbatch examples/slurm.sh
#
# One worker a machine, which uses all GPUs of it. Data and run folder lie on a file system that all machines share.
# TensorFlow's workers listen on every address of their machine and let in whoever reaches the port: run this only where
# a firewall keeps everybody out of the compute nodes whom you would not give your files.
#SBATCH --job-name=asc-tf
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --requeue

port=$((20000 + SLURM_JOB_ID % 20000))
workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd,)

# Every task knows its own number only once srun has started it.
worker='export TF_CONFIG="{\"cluster\": {\"worker\": ['${workers//\"/\\\"}']}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
exec asc-tf train --strategy multi_worker --data /shared/TAU --run /shared/runs/large \
    --recipe bc-resnet-asc-8-resnorm --set train.batch_size=64'

# A worker that fails ends all of them; they go on from the last checkpoint. Statuses 1 and 2 are mistakes in the
# settings or the data, which no other try would mend (with several workers srun may hide them behind another one's).
for try in 1 2 3 4; do
    srun --kill-on-bad-exit=1 bash -c "$worker"
    status=$?
    if [ $status -le 2 ]; then exit $status; fi
    echo "try $try ended with status $status" >&2
done
exit $status
