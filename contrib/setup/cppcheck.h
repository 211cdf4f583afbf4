/* Macros of the libraries' headers that cppcheck, which does not read those, cannot guess. */
#define HASH_ITER(hh, head, element, next)                                                         \
	for (element = head; element != NULL && (next = element->hh.next, 1); element = next)
#define cJSON_ArrayForEach(element, array)                                                         \
	for (element = (array)->child; element != NULL; element = element->next)
