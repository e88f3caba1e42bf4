"""What Linux and macOS have and Windows has not."""

ABSENT = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
"""Modules."""
_HIDDEN = """
chown fchmod fchown fork forkpty fstatvfs get_blocking getegid geteuid getgid getgroups getloadavg getpgid getpriority getresuid
getsid getuid killpg lchown mkfifo mknod nice openpty posix_fadvise posix_fallocate posix_spawn pread preadv pwrite pwritev
register_at_fork sched_getaffinity sched_setaffinity sched_yield sendfile setpgid setsid setuid statvfs sync sysconf ttyname uname
SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGPIPE SIGSTOP SIGCONT SIGTSTP
O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC O_TMPFILE
"""
HIDDEN = frozenset(_HIDDEN.split())
"""Names of `os` and `signal`."""
