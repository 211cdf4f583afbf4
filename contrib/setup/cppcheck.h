/* Macros of the libraries' headers that cppcheck, which does not read those, cannot guess. */
#define cJSON_ArrayForEach(element, array)                                                         \
	for (element = (array)->child; element != NULL; element = element->next)
