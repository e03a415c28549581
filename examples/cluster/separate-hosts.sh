#!/bin/sh
# Two hosts on one machine: network namespaces joined by a bridge, which mpirun enters instead of calling ssh. For trying
# what happens between hosts; needs root.
#   sh separate-hosts.sh up        makes node1 (10.77.0.1) and node2 (10.77.0.2)
#   sh separate-hosts.sh cut 2     takes node2 off the network, as if it was switched off
#   sh separate-hosts.sh down
#   mpirun --host 10.77.0.1,10.77.0.2 --mca plm_rsh_agent "sh separate-hosts.sh enter" ... kdc-mae pretrain ...
# mpirun itself must run in node1: ip netns exec node1 mpirun ...
set -eu
case $1 in
up)
  ip link add kdcbr type bridge
  ip link set kdcbr up
  for n in 1 2; do
    ip netns add "node$n"
    ip link add "kdc$n" type veth peer name eth0 netns "node$n"
    ip link set "kdc$n" master kdcbr up
    ip -n "node$n" addr add "10.77.0.$n/24" dev eth0
    ip -n "node$n" link set eth0 up
    ip -n "node$n" link set lo up
  done
  ;;
cut) ip link set "kdc$2" down ;;
down)
  for n in 1 2; do ip netns del "node$n" || true; done
  ip link del kdcbr || true
  ;;
enter)
  # As ssh is called: host, then the command.
  host=$2
  shift 2
  exec ip netns exec "node${host##*.}" unshare --uts sh -c "hostname node${host##*.}; $*"
  ;;
esac
