/*
 * engine: an engine that breaks, for tests of what the module makes of it.
 *
 * It does what the file ENGINE.script says, where ENGINE is its own path, since the module gives it
 * no environment and fixed arguments. One command per line; TEXT knows \0 and \xHH:
 *
 *   frame TEXT   sends TEXT with its length in front     bytes TEXT   sends TEXT alone
 *   many TEXT    sends a million such frames             read         reads one frame
 *   close        closes the channel                      wait         does nothing, for ever
 *   kill, stop   sends itself SIGKILL or SIGSTOP         exit         ends
 *   mark         adds a byte to the file ENGINE.ran
 *
 * At the end of the script it ends. tests/common/fake_engine.rs compiles and installs it.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANNEL = 3, SIZE = 1 << 17 };

/* The path of this program. */
static char path[4096];

/* Replaces the escapes of `text` in place and returns its length. */
static size_t unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		unsigned value;
		if (from[0] == '\\' && from[1] == '0') {
			*to++ = 0;
			from++;
		} else if (from[0] == '\\' && sscanf(from, "\\x%2x", &value) == 1) {
			*to++ = (char)value;
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	return (size_t)(to - text);
}

static void send_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = write(CHANNEL, bytes, length);
		if (sent <= 0)
			_exit(1);
		bytes += sent;
		length -= (size_t)sent;
	}
}

static void send_frame(const char *bytes, size_t length)
{
	static char frame[SIZE + 4];
	uint32_t header = htonl((uint32_t)length);
	memcpy(frame, &header, 4);
	memcpy(frame + 4, bytes, length);
	send_all(frame, length + 4);
}

static void read_exact(char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = read(CHANNEL, bytes, length);
		if (count <= 0)
			_exit(1);
		bytes += count;
		length -= (size_t)count;
	}
}

static void read_frame(void)
{
	static char bytes[SIZE];
	uint32_t header;
	read_exact((char *)&header, 4);
	if (ntohl(header) > SIZE)
		_exit(1);
	read_exact(bytes, ntohl(header));
}

/* Shows a test that the program ran. */
static void mark(void)
{
	char name[4200];
	snprintf(name, sizeof name, "%s.ran", path);
	FILE *file = fopen(name, "a");
	if (file && fputc('.', file) != EOF)
		fclose(file);
}

static void run(char *line)
{
	char *text = line + strcspn(line, " ");
	if (*text)
		*text++ = 0;
	size_t length = unescape(text);
	if (strcmp(line, "frame") == 0)
		send_frame(text, length);
	else if (strcmp(line, "bytes") == 0)
		send_all(text, length);
	else if (strcmp(line, "read") == 0)
		read_frame();
	else if (strcmp(line, "close") == 0)
		close(CHANNEL);
	else if (strcmp(line, "kill") == 0)
		raise(SIGKILL);
	else if (strcmp(line, "stop") == 0)
		raise(SIGSTOP);
	else if (strcmp(line, "mark") == 0)
		mark();
	else if (strcmp(line, "exit") == 0)
		_exit(0);
	else if (strcmp(line, "many") == 0)
		for (int i = 0; i < 1000000; i++)
			send_frame(text, length);
	else
		pause();
}

int main(void)
{
	static char line[SIZE], name[4200];
	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		return 2;
	snprintf(name, sizeof name, "%s.script", path);
	FILE *script = fopen(name, "r");
	if (!script)
		return 2;
	while (fgets(line, sizeof line, script)) {
		line[strcspn(line, "\n")] = 0;
		run(line);
	}
	return 0;
}
