// Package s3 keeps files in an Amazon S3 bucket.
package s3

import _ "github.com/aws/aws-sdk-go-v2/service/s3" // until it is used
