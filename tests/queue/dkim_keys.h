/* Private keys for tests, worth nothing: RFC 8032 7.1 (Ed25519), RFC 6376 C
 * (RSA of 1024 bits), RSA of 2048 and of 768 bits. */
#ifndef MTQ_TESTS_DKIM_KEYS_H
#define MTQ_TESTS_DKIM_KEYS_H

static const char dkim_ed25519[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char dkim_rsa_1024[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC\n"
    "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb\n"
    "to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB\n"
    "AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX\n"
    "/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ\n"
    "gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO\n"
    "n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m\n"
    "3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/\n"
    "eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj\n"
    "7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA\n"
    "qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf\n"
    "eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX\n"
    "GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char dkim_rsa_2048[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEogIBAAKCAQEAhIuOkf4JPoIXeA7b/nTCnAlYYXP5RCFikVrnDJ99kmEZmcIY\n"
    "Zj6NNAxrGxrvkKEDgs5zojzOo7aP+le+sk9J7G+vEQGAl7j10zZqXe88cHtbLV14\n"
    "36CGtYJLg2Ut6IuRg14JhnrZu8yPGZfqP+LqD7JmWrnE5SU5E6vyQdt08fzcbYO0\n"
    "uczHGkE9JMIdC1XsdAruwA4ZnGMrXblRbtP5xOSZxXUvqbeEhFRCNvzClQh0mHo9\n"
    "B8hXnFwUSXhffSkApcR0wiLVbcBcHdqo8e9A4yq3/mfPXufSvwcHxwplVJj+DgtC\n"
    "5agGKgoPRlhanqHWRNr2MjgSned0Ph+pI1PznwIDAQABAoIBACDtLEsvMOuy1JKy\n"
    "GkuRhODPX4HCFiurIXnbe6dCnaa18W6lbXtE0b4a0aann9itbxpZIBevBGReD1FQ\n"
    "5+IS2Vnfer1+QowuWf8QtwbDzh9hPYq8/DCNh7lid1DaWze4KDtaqoIaVamWDPx+\n"
    "JSaev6eLmWqzWGrWPuIYpnNeyaPtYeuPOup17Mdc9+UZpmJjqPe2mCYFJIMLu1nG\n"
    "LmJyy2Dcd78YEQFkiS/iuuQ0QAYyhLANc1W5UTk+2FULsod9SMnAvmduTVHalofx\n"
    "Suif3DHbUPFemV5jaGyTnDSo7d6os5v5rFN0ibM7gTofFhrcTMZFxAs1JLGDIXM8\n"
    "LLhT/uECgYEAuqCnIFhDrnI0+NBUoSp+gcOysxIyR7AGf1NAVNNycH/pZ3tEgp4o\n"
    "IeSDXuHMdqk4g03hZ5PGV2OOrHmzS6BR66mO8JGAZWLLhzO9DAKDetvGUYgR3vhA\n"
    "l18JQwKVeCivaRDFFdQLKeEexiRbXnjR36ulw3/k4ibfTUTOpDd1Mr8CgYEAtdB1\n"
    "zEMklSY5VCvFjl6WmG7UCHCJfKWzbMAYlA/LFKXCUeEHW9Rh/OOa2NR3kEKKBq7o\n"
    "gL5RkRrasv/MoceZej/Su8/jJ7NXgvV0qEwgnzfCk5CIIp/svoor2Ca5TaGNixKH\n"
    "a1/b8a5wpPX8kpNLZayMUFBT9hwJs6FSNwjm1yECgYAcE/eRAjaMlFor5QwWg1It\n"
    "K8hC8MXnyy/vEBNpr7ZT/qqbCwyvqiPXlY2+RLKCV8tM1fbHopAArdXVVSoIgsJQ\n"
    "dl4vC3UJy+dbHAmhOO+XGGGp+pLVvPvayk2Wa1kZjuV1JTTBp/lV/6ylmuq0N/E7\n"
    "eZOi6icBb1/BPEzqn/1d+QKBgE/1a7j3VmFZvCCuV2WzZ5uGMi28AFsXLH+JQ8Xp\n"
    "5DAibgFAa9IQ5z8mgfUWC7cf7D/gMFReXtTn8IKESORlObQv2WfLl2TgVH49oJ5b\n"
    "TIV5KlNnXteLabyqW3nmHdxsTil5bqDkOYBibRu/KuLzcFc4uUSg7yvvTLz5F4Uo\n"
    "nwzBAoGAMOH/DxCTwwZShCpffMRGDZK5azTZqg9f8TUU1L+LL4JJK2U0gTp7fOy8\n"
    "QJagTRDaCRvMxtAycBEilN7EEWXN72Pcpty+w9Z/frj2duuUfrMbjmPZmGwx1Fc2\n"
    "b+e4foXzLCHIj9Sh/Jb6SbOYQnp+tuVMv7zy0rDGwUtWKrB6YkA=\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char dkim_rsa_768[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBygIBAAJhAOhqcXbL2IlG/NDZGrtYBGWmiQmEzYKbDPzmb4E3oiDuHf0gRXa+\n"
    "daKuK72MgBzUzkJ1NMLhrmLPae/rjMubVebdmUf6LPY6R3gnPdNj6RuSXAPJ77xN\n"
    "XTbAcaIL1q/aTQIDAQABAmB9TW3w00Ph9xC0dGgyGuj7+MYnCJ9Xy8o7yuzQ6LKT\n"
    "OG2Ym753n4WCeI6Cee5UHPIz4P98y7xs0lGhmoL9p25S6cZCdnc9hhaTz0JFl3IG\n"
    "gdXplGbo3ANcDgz6bQoE/MECMQD2PA0p6YCf7d/wd1RtD/pA0dtyinoQWLYCOxFD\n"
    "FZ6PLUteerZGghmXqhHz6/5p3pECMQDxohf8PIPrPykDHKJS+kyKIPn2EGrX0MXS\n"
    "0tnaEqLA8GeSjInPJsdR13veTkx9Ff0CMAfDKN8TX1yrUQ3xlRXDFS6J7xMTTnnJ\n"
    "ciNr3UVyHweAdAnMcIaUf14KnHpGDEUmIQIxAIbJ0vNjlnsN2oTf3jTHZxbOWmFG\n"
    "uzL0RMXb1KZvKtbRxBTdzKn/icQ/ndtedhB4yQIwMOS7VUp361nenrUWiem/qhrW\n"
    "afMa6JvXaUs2zhdy2jCEIxEWU152sLkU33lJczSv\n"
    "-----END RSA PRIVATE KEY-----\n";

#endif
