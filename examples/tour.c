// SPDX-License-Identifier: Apache-2.0
//
// mls-tour: the example of docs/mls.md, where this file stands in full. Ada makes a group, adds Ben, both write; Ada's
// program is restarted from its records in between. tools/lint/docs holds the page and this file together.
#include <mls.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mls_span text(const char *s) { return (struct mls_span){(const uint8_t *)s, strlen(s)}; }
static struct mls_span bytes(struct mls_buf b) { return (struct mls_span){b.data, b.size}; }

static void must(enum mls_error e)
{
    if (e == MLS_OK) return;
    fprintf(stderr, "%s: %s\n", mls_error_name(e), mls_error_text(e));
    exit(1);
}

// 1. Whom to believe. Here everybody; a real program looks the identity and the key up, or checks a certificate.
static bool accept(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    return check->member->identity.size > 0;
}

// 2. A store: any table of keys and values in which several can be written in one transaction. This one is an array.
struct store {
    struct {
        struct mls_buf key, value;
    } row[64];
    size_t n, at;
};

static struct mls_buf copy(struct mls_span s)
{
    struct mls_buf b = {malloc(s.size + 1), s.size};
    assert(b.data != NULL);
    memcpy(b.data, s.data, s.size);
    return b;
}

static bool put(void *arg, struct mls_span key, struct mls_span value)
{
    struct store *s = arg;
    size_t i = 0;
    while (i < s->n && !(s->row[i].key.size == key.size && memcmp(s->row[i].key.data, key.data, key.size) == 0)) i++;
    if (i < s->n) mls_buf_free(&s->row[i].value);
    if (value.data == NULL) { // the record goes
        if (i == s->n) return true;
        mls_buf_free(&s->row[i].key);
        s->row[i] = s->row[--s->n];
        return true;
    }
    if (i == sizeof s->row / sizeof *s->row) return false;
    if (i == s->n) s->row[s->n++].key = copy(key);
    s->row[i].value = copy(value);
    return true;
}

static bool next(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct store *s = arg;
    if (s->at == s->n) return false;
    *key = bytes(s->row[s->at].key);
    *value = bytes(s->row[s->at++].value);
    return true;
}

static void save(struct mls_group *g, struct store *s)
{
    must(mls_group_changes(g, put, s)); // in one transaction with the message that caused the changes
    mls_group_saved(g);
}

static void empty(struct store *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mls_buf_free(&s->row[i].key);
        mls_buf_free(&s->row[i].value);
    }
}

static void agree(const struct mls_group *ada, const struct mls_group *ben)
{
    struct mls_buf a, b;
    must(mls_group_epoch_authenticator(ada, &a));
    must(mls_group_epoch_authenticator(ben, &b));
    assert(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    printf("Epoch %llu, and both agree on it.\n", (unsigned long long)mls_group_epoch(ada));
    mls_buf_free(&a);
    mls_buf_free(&b);
}

static const uint16_t suite = MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;
static const struct mls_config config = {.credential = accept, .padding = 128};

int main(void)
{
    struct mls_client *client = NULL;
    struct mls_buf ada_key, ada_public, ben_key, ben_public, key_package, private_part, message;
    struct mls_group *ada = NULL, *ben = NULL;
    struct mls_commit commit;
    struct mls_received received;
    struct store store = {0};

    // 3. A client holds the configuration. Here both people use the same one; normally they are two programs.
    must(mls_client_new(&config, &client));
    must(mls_signature_keys(client, suite, &ada_key, &ada_public));
    must(mls_signature_keys(client, suite, &ben_key, &ben_public));

    // 4. Ben publishes a KeyPackage, and keeps its private part.
    struct mls_leaf_params ben_leaf = {.credential = {.type = MLS_CREDENTIAL_BASIC, .identity = text("ben")},
                                       .signature_private = bytes(ben_key)};
    must(mls_key_package_new(client, suite, &ben_leaf, NULL, 0, &key_package, &private_part));

    // 5. Ada makes a group of one, and a commit that adds Ben. Nothing has changed yet: the delivery service may choose
    //    another commit. When it has accepted this one, Ada merges it, and only then the Welcome may go to Ben.
    struct mls_leaf_params ada_leaf = {.credential = {.type = MLS_CREDENTIAL_BASIC, .identity = text("ada")},
                                       .signature_private = bytes(ada_key)};
    must(mls_group_new(client, suite, (struct mls_span){0}, &ada_leaf, NULL, 0, &ada));
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = bytes(key_package)};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1, .tree_in_welcome = true};
    must(mls_group_commit(ada, &params, &commit));
    must(mls_group_merge(ada, commit.staged));
    commit.staged = NULL; // merged and gone
    save(ada, &store);

    // 6. Ben joins. His private part has done its work and is wiped.
    must(mls_group_join(client, bytes(commit.welcome), bytes(private_part), (struct mls_span){0}, NULL, &ben));
    mls_buf_free(&private_part);
    mls_commit_free(&commit);

    // 7. Ada's program stops, and starts again from its records.
    mls_group_free(ada);
    must(mls_group_restore(client, next, &store, &ada));

    // 8. Messages. What changed is stored before the message leaves, so that no key is used twice after a crash.
    must(mls_group_protect(ada, text("hello, Ben"), (struct mls_span){0}, &message));
    save(ada, &store);
    must(mls_group_receive(ben, bytes(message), &received));
    printf("Ben reads, from member %u: %.*s\n", received.sender, (int)received.data.size, (const char *)received.data.data);
    mls_received_free(&received);
    mls_buf_free(&message);

    // 9. Ben renews his keys: a commit without proposals. Ada stages it, looks at it, and merges it.
    must(mls_group_commit(ben, NULL, &commit));
    must(mls_group_receive(ada, bytes(commit.message), &received));
    must(mls_group_merge(ada, received.staged));
    received.staged = NULL;
    save(ada, &store);
    must(mls_group_merge(ben, commit.staged));
    commit.staged = NULL;
    mls_received_free(&received);
    mls_commit_free(&commit);

    // 10. Both are in the same epoch, and can prove it to each other.
    agree(ada, ben);

    struct mls_buf *owned[] = {&ada_key, &ada_public, &ben_key, &ben_public, &key_package};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) mls_buf_free(owned[i]);
    empty(&store);
    mls_group_free(ada);
    mls_group_free(ben);
    mls_client_free(client);
    return 0;
}
