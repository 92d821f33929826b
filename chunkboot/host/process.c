/* SPDX-License-Identifier: MIT */
/* Starts programs and waits for them. */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/files.h"

/* In the child: only what is safe after fork in a program with threads. Never returns. */
static void become(const struct cb_process_params *p, pid_t parent, int report_fd)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it went away in between */
		_exit(127);
	int in = p->stdio_fd >= 0 ? p->stdio_fd : open("/dev/null", O_RDONLY);
	int out = p->stdio_fd >= 0 ? p->stdio_fd : STDERR_FILENO;
	int err = p->is_silent ? open("/dev/null", O_WRONLY) : STDERR_FILENO;
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(err, STDERR_FILENO) >= 0 && (p->dir == NULL || chdir(p->dir) == 0))
		execvp(p->argv[0], (char *const *)(uintptr_t)p->argv);
	int number = errno;
	ssize_t n = write(report_fd, &number, sizeof(number));
	(void)n; /* the parent then sees an exit status instead */
	_exit(127);
}

/* The pipe closes without a word when the program has been started. */
static int read_report(int fd)
{
	int number = 0;
	ssize_t n;
	do
		n = read(fd, &number, sizeof(number));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(number) ? number : 0;
}

enum cb_err cb_process_start(const struct cb_process_params *params, struct cb_process *ret,
			     struct cb_error *e)
{
	int report[2] = { -1, -1 };
	pid_t parent = getpid();
	if (pipe2(report, O_CLOEXEC) != 0)
		return cb_fail_errno(e, "%s", params->argv[0]);
	pid_t pid = fork();
	if (pid == 0)
		become(params, parent, report[1]);
	int number = pid < 0 ? errno : 0;
	close(report[1]);
	if (pid > 0)
		number = read_report(report[0]);
	close(report[0]);
	if (number != 0) {
		if (pid > 0)
			waitpid(pid, NULL, 0);
		errno = number;
		return number == ENOENT ? cb_fail(e, CB_TOOL_MISSING, "%s", params->argv[0]) :
					  cb_fail_errno(e, "%s", params->argv[0]);
	}
	struct cb_process p = { .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0) };
	if (p.pidfd < 0) {
		enum cb_err err = cb_fail_errno(e, "%s", params->argv[0]);
		cb_process_kill(&p);
		return err;
	}
	fcntl(p.pidfd, F_SETFD, FD_CLOEXEC);
	*ret = p;
	return CB_OK;
}

enum cb_err cb_process_wait(struct cb_process *p, int *ret_status, struct cb_error *e)
{
	int status;
	while (waitpid(p->pid, &status, 0) < 0)
		if (errno != EINTR)
			return cb_fail_errno(e, "process %d", (int)p->pid);
	if (p->pidfd >= 0)
		close(p->pidfd);
	*p = (struct cb_process){ 0 };
	if (ret_status != NULL)
		*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return CB_OK;
}

void cb_process_kill(struct cb_process *p)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	(void)!cb_process_wait(p, NULL, NULL);
}

enum cb_err cb_process_run(const char *const *argv, struct cb_error *e)
{
	struct cb_process_params params = { .argv = argv, .stdio_fd = -1 };
	struct cb_process p = { 0 };
	int status = 0;
	enum cb_err err = cb_process_start(&params, &p, e);
	if (err == CB_OK)
		err = cb_process_wait(&p, &status, e);
	if (err == CB_OK && status != 0)
		err = cb_fail(e, CB_PROGRAM, "%s ended with status %d", argv[0], status);
	return err;
}
