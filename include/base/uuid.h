/* Random names that nobody else has. */
#ifndef FF_BASE_UUID_H
#define FF_BASE_UUID_H

#define UUID_SIZE 37

/* A random uuid, version 4, lower case. */
void uuid4(char out[UUID_SIZE]);

#endif
