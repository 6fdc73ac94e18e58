// What hashing, sealing and verifying need beside OpenSSL's functions: keys made from numbers, and its macros.
#pragma once
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// A key from the parameters in `build`, which is freed.
static inline EVP_PKEY *edge_key_from(int type, OSSL_PARAM_BLD *build) {
  EVP_PKEY *key = NULL;
  OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(type, NULL);
  if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    key = NULL;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(build);
  return key;
}

// Modulus and exponent, most significant byte first.
static inline EVP_PKEY *edge_rsa_key(const unsigned char *modulus, int modulus_count,
                                     const unsigned char *exponent, int exponent_count) {
  EVP_PKEY *key = NULL;
  BIGNUM *n = BN_bin2bn(modulus, modulus_count, NULL);
  BIGNUM *e = BN_bin2bn(exponent, exponent_count, NULL);
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  if (n != NULL && e != NULL && build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    key = edge_key_from(EVP_PKEY_RSA, build);
  else
    OSSL_PARAM_BLD_free(build);
  BN_free(n);
  BN_free(e);
  return key;
}

// An uncompressed point: 04, x, y. One that is not on the curve is refused.
static inline EVP_PKEY *edge_ec_key(int is_p384, const unsigned char *point, size_t count) {
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  if (build != NULL &&
      OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, is_p384 ? "P-384" : "P-256", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, count) == 1)
    return edge_key_from(EVP_PKEY_EC, build);
  OSSL_PARAM_BLD_free(build);
  return NULL;
}

// The number of bits of the exponent; 0 if there is none.
static inline int edge_rsa_exponent_bits(const EVP_PKEY *key) {
  BIGNUM *e = NULL;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1) return 0;
  int bits = BN_num_bits(e);
  BN_free(e);
  return bits;
}

// 256 or 384 for the two curves, 0 for every other group.
static inline int edge_ec_curve(const EVP_PKEY *key) {
  char name[32];
  size_t count = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &count) != 1) return 0;
  switch (OBJ_txt2nid(name)) {
  case NID_X9_62_prime256v1: return 256;
  case NID_secp384r1: return 384;
  default: return 0;
  }
}

// A signature's two numbers as DER. Answers its length, 0 when it cannot be made.
static inline int edge_ecdsa_der(const unsigned char *numbers, int half, unsigned char *out, int capacity) {
  int count = 0;
  ECDSA_SIG *signature = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(numbers, half, NULL);
  BIGNUM *s = BN_bin2bn(numbers + half, half, NULL);
  if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
    r = NULL; // the signature owns them now
    s = NULL;
    count = i2d_ECDSA_SIG(signature, NULL);
    if (count < 0 || count > capacity) count = 0;
    else if (count > 0) count = i2d_ECDSA_SIG(signature, &out);
  }
  BN_free(r);
  BN_free(s);
  ECDSA_SIG_free(signature);
  return count;
}

// PSS as JWS wants it (RFC 7518 §3.5): MGF1 with the same hash, a salt as long as the hash.
static inline int edge_use_pss(EVP_PKEY_CTX *context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static inline void edge_free(void *memory) { OPENSSL_free(memory); }
