#!/bin/sh
# A pretraining on hosts that mpirun reaches by ssh, listed in a file as `node1 slots=1`.
#   sh on-hosts.sh hosts vggsound.json --out runs/vggsound
# A host that is switched off is noticed within about 10 s: keep-alive messages go out every 4 s, then every 2 s, thrice.
hosts=$1
shift
exec mpirun --hostfile "$hosts" --map-by node --bind-to none \
  --mca oob_tcp_keepalive_time 4 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3 \
  ${KDC_MAE_MPIRUN:-} kdc-mae pretrain "$@"
