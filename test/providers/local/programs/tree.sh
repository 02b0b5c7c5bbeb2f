# A process, its child and its grandchild, none of which heeds SIGTERM.
trap '' TERM
echo "pid $$"
sh -c 'trap "" TERM; echo "pid $$"; sh -c "trap \"\" TERM; echo \"pid \$\$\"; while :; do sleep 0.1; done" & wait' &
while :; do sleep 0.1; done
