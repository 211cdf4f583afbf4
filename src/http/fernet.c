#include "fernet.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define TEXT_MAX (1 << 20)

/* A key: half of it signs, half of it encrypts. */
#define KEY_HALF 16
#define KEY_LEN (2 * KEY_HALF)

/* A token: version, time, initial vector, ciphertext in blocks, signature of all that. */
#define VERSION 0x80
#define IV_AT 9
#define BLOCK 16
#define CIPHER_AT (IV_AT + BLOCK)
#define MAC_LEN 32
#define TOKEN_MIN (CIPHER_AT + BLOCK + MAC_LEN)

/* Bytes of base64url with its padding, owned by the caller; NULL: it is none. */
static unsigned char *
decode(const char *text, size_t *len)
{
	size_t n = strlen(text), digits = strspn(text, DIGITS), padding = n - digits;
	unsigned char *bytes;
	char *standard;
	int decoded;

	if (n == 0 || n > TEXT_MAX || n % 4 != 0 || padding > 2 ||
		strspn(text + digits, "=") != padding)
		return NULL;
	standard = xstrdup(text);
	for (char *p = standard; *p; p++)
		*p = (char)(*p == '-' ? '+' : *p == '_' ? '/' : *p);
	bytes = xcalloc(n / 4, 3);
	/* It counts the bytes that the padding stands for. */
	decoded = EVP_DecodeBlock(bytes, (const unsigned char *)standard, (int)n);
	free(standard);
	if (decoded < 0) {
		free(bytes);
		return NULL;
	}
	*len = (size_t)decoded - padding;
	return bytes;
}

static bool
is_signed(const unsigned char *key, const unsigned char *token, size_t len)
{
	unsigned char mac[EVP_MAX_MD_SIZE];

	return HMAC(EVP_sha256(), key, KEY_HALF, token, len - MAC_LEN, mac, NULL) &&
		CRYPTO_memcmp(mac, token + len - MAC_LEN, MAC_LEN) == 0;
}

/* Bytes of plaintext; -1: its padding is none. */
static int
decrypt(const unsigned char *key, const unsigned char *token, size_t len, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	bool done;

	done = ctx &&
		EVP_DecryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, key + KEY_HALF, token + IV_AT) ==
			1 &&
		EVP_DecryptUpdate(
			ctx, out, &n, token + CIPHER_AT, (int)(len - CIPHER_AT - MAC_LEN)) == 1 &&
		EVP_DecryptFinal_ex(ctx, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return done ? n + rest : -1;
}

static char *
open_bytes(const unsigned char *key, const unsigned char *token, size_t len, size_t *out_len,
	struct err *err)
{
	unsigned char *text;
	int n;

	if (len < TOKEN_MIN || (len - CIPHER_AT - MAC_LEN) % BLOCK != 0) {
		err_set(err, ERR_USAGE, "too short: a part of it is missing");
		return NULL;
	}
	if (token[0] != VERSION) {
		err_set(err, ERR_USAGE, "no Fernet token of version 128");
		return NULL;
	}
	if (!is_signed(key, token, len)) {
		err_set(err, ERR_USAGE, "its signature is not by this key");
		return NULL;
	}
	text = xcalloc(1, len + 1);
	n = decrypt(key, token, len, text);
	if (n < 0) {
		free(text);
		err_set(err, ERR_USAGE, "it cannot be decrypted");
		return NULL;
	}
	text[n] = '\0';
	*out_len = (size_t)n;
	return (char *)text;
}

char *
fernet_open(const char *key, const char *token, size_t *len, struct err *err)
{
	size_t key_len = 0, token_len = 0;
	unsigned char *key_bytes = decode(key, &key_len), *bytes = decode(token, &token_len);
	char *text = NULL;

	if (!key_bytes || key_len != KEY_LEN)
		err_set(err, ERR_USAGE, "its key is not 32 bytes in base64url");
	else if (!bytes)
		err_set(err, ERR_USAGE,
			"no Fernet token: not base64url, or a part of it is missing");
	else
		text = open_bytes(key_bytes, bytes, token_len, len, err);
	free(key_bytes);
	free(bytes);
	return text;
}
