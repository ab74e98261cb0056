package template_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/schedule"
	"github.com/returnpoint/returnpoint/infra/local/template"
)

const sample = `
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 10
    Environment:
      Variables:
        TABLE: !Ref Table
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {BillingMode: PAY_PER_REQUEST}
  TouchQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: !If [IsProd, 720, 60]
      RedrivePolicy: {deadLetterTargetArn: !GetAtt TouchDead.Arn, maxReceiveCount: 5}
  TouchDead:
    Type: AWS::SQS::Queue
  Send:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/send/
      Timeout: 90
      Policies: [{DynamoDBCrudPolicy: {TableName: !Ref Table}}]
      Events:
        Touches:
          Type: SQS
          Properties: {Queue: !GetAtt TouchQueue.Arn, BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures]}
  Dispatch:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/dispatch
      Events:
        EveryMinute:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            Input: '{"time": "<aws.scheduler.scheduled-time>"}'
  Survey:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/survey/
      Events:
        Show: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: "/s/{token}"}}
        Answer: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: "/s/{token}"}}
  Delivery:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/delivery/
      Events:
        Reports:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.ses]}
`

func TestReadFindsRoutesSchedulesQueuesAndTimeouts(t *testing.T) {
	minute, err := schedule.Parse("rate(1 minute)", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want := []template.Function{
		{Name: "delivery", Timeout: 10 * time.Second, Reports: true},
		{Name: "dispatch", Timeout: 10 * time.Second, Schedules: []template.Schedule{{Name: "EveryMinute", Expression: minute}}},
		{Name: "send", Timeout: 90 * time.Second, Queue: &template.Queue{Name: "TouchQueue", Batch: 5, MaxReceives: 5}},
		{Name: "survey", Timeout: 10 * time.Second, Routes: []template.Route{{Method: "POST", Path: "/s/{token}"}, {Method: "GET", Path: "/s/{token}"}}},
	}
	got, err := template.Read([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestAQueueIsFoundInEverySpellingOfAReference(t *testing.T) {
	for _, spelling := range []string{"!GetAtt TouchQueue.Arn", "!GetAtt [TouchQueue, Arn]", "{Fn::GetAtt: [TouchQueue, Arn]}", "{Fn::GetAtt: TouchQueue.Arn}"} {
		got, err := template.Read([]byte(strings.Replace(sample, "!GetAtt TouchQueue.Arn", spelling, 1)))
		if err != nil || got[2].Queue == nil || got[2].Queue.Name != "TouchQueue" {
			t.Errorf("%s: %+v, %v", spelling, got, err)
		}
	}
}

func TestWithoutATimeoutThePlatformsOwnCounts(t *testing.T) {
	got, err := template.Read([]byte(strings.Replace(sample, "Timeout: 10", "MemorySize: 128", 1)))
	if err != nil || got[0].Timeout != 3*time.Second {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestOneErrorNamesEverythingThatCannotBeHadHere(t *testing.T) {
	broken := strings.NewReplacer(
		"functions/send/", "../send/",
		"Type: EventBridgeRule", "Type: Kinesis",
		"rate(1 minute)", "every minute",
		"Method: POST, ", "",
		"!GetAtt TouchQueue.Arn", "!GetAtt Table.Arn",
	).Replace(sample)
	_, err := template.Read([]byte(broken))
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, part := range []string{"Send: CodeUri", "Send.Events.Touches: Queue", "Delivery.Events.Reports", `"Kinesis"`, "Dispatch.Events.EveryMinute", "Survey.Events.Answer"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %s: %v", part, err)
		}
	}
	for name, text := range map[string]string{"nothing": "", "no YAML": "\t{", "no function": "Resources: {}"} {
		if _, err := template.Read([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	lost := strings.Replace(sample, ", FunctionResponseTypes: [ReportBatchItemFailures]", "", 1)
	if _, err := template.Read([]byte(lost)); err == nil || !strings.Contains(err.Error(), "ReportBatchItemFailures") {
		t.Errorf("a batch without partial failures: %v", err)
	}
	endless := strings.Replace(sample, ", maxReceiveCount: 5", "", 1)
	if _, err := template.Read([]byte(endless)); err == nil || !strings.Contains(err.Error(), "RedrivePolicy") {
		t.Errorf("a queue without dead letters: %v", err)
	}
}
