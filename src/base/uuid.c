#include "base/uuid.h"

#include <stdio.h>
#include <sys/random.h>

void
uuid4(char out[UUID_SIZE])
{
	unsigned char b[16];
	char *p = out;

	/* Up to 256 bytes come whole or, at boot, block; never short. */
	while (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		snprintf(p, 3, "%02x", b[i]);
		p += 2;
	}
}
